//! Makes the request that gets a small object, without any I/O.

use std::{error::Error, time::Duration};

use cos_proto::{Machine, Now, Output, Ticks, UnixTime, config::Config, driver::Driver};

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::from_parameters([
        ("secretid", "AKIDexample"),
        ("secretkey", "example"),
        ("region", "ap-guangzhou"),
        ("bucket", "examplebucket-1250000000"),
    ])?;
    let driver = Driver::new(&config, config.session());
    let fetch = driver.get_content("/config/app.json")?;
    let mut machine = Machine::new(fetch, driver.session().clone(), driver.policy(), 7);
    let now = Now { ticks: Ticks::new(Duration::ZERO), unix: UnixTime::from_secs(1_800_000_000) };
    if let Output::Send(transmit) = machine.poll_output(now) {
        println!("{} {}", transmit.request.method(), transmit.request.uri());
    }
    Ok(())
}
