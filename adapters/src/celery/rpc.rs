//! Results that are sent back as messages, and the producing client's reader
//! of them.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;
use lapin::options::BasicConsumeOptions;
use lapin::types::{FieldTable, ShortString};
use schedbench_contract::Result;

use crate::amqp::road::{FIRST_WAIT, LONGEST_WAIT, Road};

/// Reads every result and forgets it: that each task ran, its worker reports.
/// What is measured is that results are made, carried and read. Connects again
/// when the connection is lost; ends when it is aborted.
pub(super) async fn read(road: Road, queue: ShortString) {
    let mut wait = FIRST_WAIT;
    loop {
        if read_until_lost(&road, &queue).await.is_ok() {
            wait = FIRST_WAIT;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn read_until_lost(road: &Road, queue: &ShortString) -> Result<()> {
    let connection = road.connect("schedbench results").await?;
    let consumer = async {
        let channel = connection.create_channel().await?;
        // Results are read as Celery's client reads them: without acknowledging.
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let tag = ShortString::default();
        channel.basic_consume(queue.clone(), tag, options, FieldTable::default()).await
    };
    let mut consumer =
        consumer.await.map_err(|error| road.error("consuming the results", &error))?;
    while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut consumer).poll_next(cx)).await {}
    Ok(())
}
