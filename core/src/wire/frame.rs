//! Whole frames: a header, then a message. The length prefix is the driver's.

use bytes::Bytes;
use thiserror::Error;

use super::{
    api::{ApiKey, Request},
    header::{RequestHeader, ResponseHeader},
    message::Message,
    primitive::{DecodeError, EncodeError, Reader, Writer},
};
use crate::seam::Part;

/// What a request's header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    pub api_key: ApiKey,
    /// May be one that is not served: the answer to that differs by API.
    pub api_version: i16,
    pub correlation_id: i32,
    pub client_id: Option<String>,
}

/// Why a frame is no request. Nothing can be answered to it; the connection is closed, as Kafka does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    #[error("Kafka has no API with key {0}")]
    UnknownApiKey(i16),
    #[error("the request header cannot be read: {0}")]
    Header(#[from] DecodeError),
}

/// Splits a request frame into what its header says and its body.
pub fn parse_request(frame: &Bytes) -> Result<(RequestHead, Bytes), FrameError> {
    let mut reader = Reader::new(frame);
    let code = reader.i16()?;
    let version = reader.i16()?;
    let api_key = ApiKey::from_code(code).ok_or(FrameError::UnknownApiKey(code))?;
    let mut reader = Reader::new(frame);
    let header = RequestHeader::decode(api_key.request_header_version(version), &mut reader)?;
    let RequestHeader { correlation_id, client_id, .. } = header;
    Ok((RequestHead { api_key, api_version: version, correlation_id, client_id }, reader.rest()))
}

/// The message at the beginning of `body`. What follows it is not looked at, as in Kafka (`AbstractRequest.parseRequest`):
/// librdkafka 2.15 leaves three bytes behind when it asks for the metadata of all topics.
pub fn decode_body<M: Message>(version: i16, body: &Bytes) -> Result<M, DecodeError> {
    M::decode(version, &mut Reader::new(body))
}

/// A request frame. Panics if the version cannot carry the request: the caller chose the version.
pub fn request_parts<R: Request>(version: i16, correlation_id: i32, client_id: &str, request: &R) -> Vec<Part> {
    let parts = try_request_parts(version, correlation_id, client_id, request);
    parts.unwrap_or_else(|error| panic!("version {version}: {error} in {request:?}"))
}

/// As [`request_parts`], when the other side had a say in the version.
pub fn try_request_parts<R: Request>(
    version: i16,
    correlation_id: i32,
    client_id: &str,
    request: &R,
) -> Result<Vec<Part>, EncodeError> {
    let header = RequestHeader {
        request_api_key: R::KEY.code(),
        request_api_version: version,
        correlation_id,
        client_id: Some(client_id.to_owned()),
    };
    parts(Writer::new(), R::KEY.request_header_version(version), &header, version, request)
}

/// The response frame to a request of type `R`. What the asker's version cannot say is left out ([`Writer::lenient`]).
/// Panics if there is no such version: nobody can have asked in it.
pub fn response_parts<R: Request>(version: i16, correlation_id: i32, response: &R::Response) -> Vec<Part> {
    let header = ResponseHeader { correlation_id };
    let parts = parts(Writer::lenient(), R::KEY.response_header_version(version), &header, version, response);
    parts.unwrap_or_else(|error| panic!("version {version}: {error} in {response:?}"))
}

fn parts(
    mut writer: Writer,
    header_version: i16,
    header: &impl Message,
    version: i16,
    message: &impl Message,
) -> Result<Vec<Part>, EncodeError> {
    header.encode(header_version, &mut writer)?;
    message.encode(version, &mut writer)?;
    Ok(writer.into_parts())
}

/// Reads the response frame to a request of type `R` that was sent in `version`: correlation id and response.
pub fn parse_response<R: Request>(version: i16, frame: &Bytes) -> Result<(i32, R::Response), DecodeError> {
    let mut reader = Reader::new(frame);
    let header = ResponseHeader::decode(R::KEY.response_header_version(version), &mut reader)?;
    let response = R::Response::decode(version, &mut reader)?;
    reader.finish()?;
    Ok((header.correlation_id, response))
}

/// The correlation id of a response frame, which tells whose answer it is and so how to read it.
pub fn peek_correlation_id(frame: &Bytes) -> Option<i32> {
    Reader::new(frame).i32().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{api_versions::*, metadata::*};

    fn whole(parts: Vec<Part>) -> Bytes {
        super::super::records::Records::Parts(parts).bytes()
    }

    #[test]
    fn a_request_is_split_into_head_and_body() {
        for version in MetadataRequest::versions() {
            let request = MetadataRequest { topics: Some(vec![]), ..MetadataRequest::default() };
            let frame = whole(request_parts(version, 7, "me", &request));
            let (head, body) = parse_request(&frame).unwrap();
            let client_id = Some("me".to_owned());
            let expected =
                RequestHead { api_key: ApiKey::Metadata, api_version: version, correlation_id: 7, client_id };
            assert_eq!(head, expected);
            assert_eq!(decode_body::<MetadataRequest>(version, &body).unwrap(), request);
        }
    }

    #[test]
    fn the_head_of_an_unserved_version_can_be_read_and_its_body_cannot() {
        let frame = Bytes::from_static(&[0, 18, 0, 99, 0, 0, 0, 5, 255, 255, 0, 1, 2, 3]);
        let (head, body) = parse_request(&frame).unwrap();
        assert_eq!((head.api_version, head.correlation_id, head.client_id), (99, 5, None));
        let version = DecodeError::Version { message: "ApiVersionsRequest", version: 99 };
        assert_eq!(decode_body::<ApiVersionsRequest>(99, &body), Err(version));
    }

    /// As Apache Kafka 4.3.1 answers it.
    #[test]
    fn any_negative_length_is_null() {
        let frame = Bytes::from_static(&[0, 3, 0, 1, 0, 0, 0, 5, 0x80, 0, 0xff, 0xff, 0xff, 0xfe]);
        let (head, body) = parse_request(&frame).unwrap();
        assert_eq!(head.client_id, None);
        assert_eq!(decode_body::<MetadataRequest>(1, &body).unwrap().topics, None);
        assert!(decode_body::<MetadataRequest>(0, &body).is_err(), "where nothing may be null");
    }

    #[test]
    fn text_is_decoded_as_java_decodes_it() {
        // What Java's `new String(bytes, UTF_8)` gives, in testdata/answers/no-utf8.txt too.
        for (bytes, replaced) in [
            (&b"a\xff"[..], 1),
            (b"\xe2\x82a", 1),
            (b"\xf0\x28\x8c\xbc", 3),
            (b"\xed\xa0\x80\xed\xb0\x80", 2),
            (b"\xed\xa0", 1),
            (b"\xed\xa0z", 1),
            (b"\xe0\x80\x80", 3),
            (b"\xf4\x90\x80\x80", 4),
            (b"\xf1\x80\xe1\x80\xc2b", 3),
        ] {
            let text = crate::wire::primitive::decode_text(bytes);
            assert_eq!(text.matches(char::REPLACEMENT_CHARACTER).count(), replaced, "{bytes:x?}: {text}");
        }
    }

    #[test]
    fn an_api_versions_response_never_has_a_flexible_header() {
        let response = ApiVersionsResponse { error_code: 35, ..ApiVersionsResponse::default() };
        let frame = whole(response_parts::<ApiVersionsRequest>(3, 9, &response));
        assert_eq!(&frame[..6], &[0, 0, 0, 9, 0, 35]);
        assert_eq!(parse_response::<ApiVersionsRequest>(3, &frame), Ok((9, response)));
        assert_eq!(peek_correlation_id(&frame), Some(9));
    }

    #[test]
    fn a_response_leaves_out_what_its_version_cannot_say_and_a_request_may_not() {
        let topics = vec![MetadataResponseTopic { name: None, topic_authorized_operations: 7, ..Default::default() }];
        let cluster_id = Some("名".repeat(20_000));
        let response = MetadataResponse { topics, cluster_id, error_code: 3, ..MetadataResponse::default() };
        for version in MetadataResponse::versions() {
            let frame = whole(response_parts::<MetadataRequest>(version, 9, &response));
            let (_, back) = parse_response::<MetadataRequest>(version, &frame).unwrap();
            assert_eq!(back.topics[0].name, (version < 12).then(String::new));
            assert_eq!(back.topics[0].topic_authorized_operations, if version < 8 { i32::MIN } else { 7 });
            assert!(version < 2 || back.cluster_id == Some("名".repeat(10_922)));
            assert!(response.to_bytes(version).is_err());
        }
    }

    #[test]
    fn garbage_is_no_request() {
        assert_eq!(parse_request(&Bytes::from_static(b"GET / HTTP")), Err(FrameError::UnknownApiKey(0x4745)));
        assert!(matches!(parse_request(&Bytes::from_static(&[0, 3, 0])), Err(FrameError::Header(_))));
    }
}
