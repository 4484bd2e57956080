//! Puts a small object and gets it.

use std::error::Error;

use cos_blocking::Driver;

fn main() -> Result<(), Box<dyn Error>> {
    let driver = Driver::from_env()?;
    driver.put_content("/config/app.json", "{}")?;
    println!("{} bytes", driver.get_content("/config/app.json")?.len());
    Ok(())
}
