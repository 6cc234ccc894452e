//! DescribeCluster (key 60, KIP-700).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 60, versions = "0-2", flexible = "0+")]
pub struct DescribeClusterRequest {
    #[wire(versions = "0+")]
    pub include_cluster_authorized_operations: bool,
    #[wire(versions = "1+", default = "1")]
    pub endpoint_type: i8,
    #[wire(versions = "2+")]
    pub include_fenced_brokers: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 60, versions = "0-2", flexible = "0+")]
pub struct DescribeClusterResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub error_message: Option<String>,
    #[wire(versions = "1+", default = "1")]
    pub endpoint_type: i8,
    #[wire(versions = "0+")]
    pub cluster_id: String,
    #[wire(versions = "0+", default = "-1")]
    pub controller_id: i32,
    #[wire(versions = "0+")]
    pub brokers: Vec<DescribeClusterBroker>,
    #[wire(versions = "0+", default = "-2147483648")]
    pub cluster_authorized_operations: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeClusterBroker {
    #[wire(versions = "0+")]
    pub broker_id: i32,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub port: i32,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub rack: Option<String>,
    #[wire(versions = "2+")]
    pub is_fenced: bool,
}
