//! DescribeLogDirs (key 35, KIP-113): what a broker keeps where, and how large it is.

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 35, versions = "1-5", flexible = "2+")]
pub struct DescribeLogDirsRequest {
    #[wire(versions = "0+", nullable = "0+")]
    pub topics: Option<Vec<DescribableLogDirTopic>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribableLogDirTopic {
    #[wire(versions = "0+")]
    pub topic: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 35, versions = "1-5", flexible = "2+")]
pub struct DescribeLogDirsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "3+", ignorable)]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub results: Vec<DescribeLogDirsResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeLogDirsResult {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub log_dir: String,
    #[wire(versions = "0+")]
    pub topics: Vec<DescribeLogDirsTopic>,
    #[wire(versions = "4+", default = "-1", ignorable)]
    pub total_bytes: i64,
    #[wire(versions = "4+", default = "-1", ignorable)]
    pub usable_bytes: i64,
    #[wire(versions = "5+", default = "false", ignorable)]
    pub is_cordoned: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeLogDirsTopic {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<DescribeLogDirsPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeLogDirsPartition {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub partition_size: i64,
    #[wire(versions = "0+")]
    pub offset_lag: i64,
    #[wire(versions = "0+")]
    pub is_future_key: bool,
}
