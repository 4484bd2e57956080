//! Puts a small object and gets it.

use std::error::Error;

use cos_tokio::Driver;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let driver = Driver::from_env()?;
        driver.put_content("/config/app.json", "{}").await?;
        println!("{} bytes", driver.get_content("/config/app.json").await?.len());
        Ok(())
    })
}
