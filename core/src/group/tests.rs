//! Groups as text: `core/testdata/group/*.txt`.
