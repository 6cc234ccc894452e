//! How a request is marked on its chip.

/// The two letters of a request on its chip, and the shape of its family.
pub fn api_mark(api_key: i16) -> (&'static str, Family) {
    match api_key {
        0 => ("Pr", Family::Data),
        1 => ("Fe", Family::Data),
        2 => ("Of", Family::Data),
        3 => ("Me", Family::Data),
        8 => ("OC", Family::Group),
        9 => ("OF", Family::Group),
        10 => ("FC", Family::Group),
        11 => ("Jn", Family::Group),
        12 => ("Hb", Family::Group),
        13 => ("Lv", Family::Group),
        14 => ("Sy", Family::Group),
        18 => ("Av", Family::Data),
        19 => ("CT", Family::Quorum),
        20 => ("DT", Family::Quorum),
        22 => ("Id", Family::Data),
        23 => ("Ep", Family::Data),
        52 => ("Vo", Family::Quorum),
        53 => ("BQ", Family::Quorum),
        54 => ("EQ", Family::Quorum),
        55 => ("DQ", Family::Quorum),
        56 => ("AP", Family::Quorum),
        58 => ("En", Family::Quorum),
        59 => ("FS", Family::Quorum),
        62 => ("Re", Family::Quorum),
        63 => ("Hb", Family::Quorum),
        67 => ("PI", Family::Quorum),
        _ => ("··", Family::Data),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Data,
    Group,
    Quorum,
}
