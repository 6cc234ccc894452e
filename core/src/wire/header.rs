//! Request and response headers. Version rules live in `api`.

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "1-2", flexible = "2+")]
pub struct RequestHeader {
    #[wire(versions = "0+")]
    pub request_api_key: i16,
    #[wire(versions = "0+")]
    pub request_api_version: i16,
    #[wire(versions = "0+")]
    pub correlation_id: i32,
    #[wire(versions = "1+", nullable = "1+", flexible = "none")]
    pub client_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-1", flexible = "1+")]
pub struct ResponseHeader {
    #[wire(versions = "0+")]
    pub correlation_id: i32,
}
