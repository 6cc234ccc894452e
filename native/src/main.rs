//! The `kafka-lab` binary.

fn main() -> std::process::ExitCode {
    kafka_lab::cli::main()
}
