//! What is tried with a queue: that it takes, keeps and gives a message.

use std::io::{Error, Result};

use super::{Amqp, long_bytes, short_text};

/// The frame between a method that carries a message and its body.
const HEADER: u8 = 2;
/// Messages and their properties belong to this class.
const BASIC: u16 = 60;

// Class and method numbers.
const QUEUE_DECLARE: (u16, u16) = (50, 10);
const QUEUE_DECLARE_OK: (u16, u16) = (50, 11);
const QUEUE_DELETE: (u16, u16) = (50, 40);
const QUEUE_DELETE_OK: (u16, u16) = (50, 41);
const PUBLISH: (u16, u16) = (BASIC, 40);
const GET: (u16, u16) = (BASIC, 70);
const GET_OK: (u16, u16) = (BASIC, 71);
const GET_EMPTY: (u16, u16) = (BASIC, 72);
const ACK: (u16, u16) = (BASIC, 80);
const NACK: (u16, u16) = (BASIC, 120);
const CONFIRM_SELECT: (u16, u16) = (85, 10);
const CONFIRM_SELECT_OK: (u16, u16) = (85, 11);

impl Amqp {
    /// Declares a quorum queue and asks for that many members of it. With
    /// fewer nodes it gets fewer, and the server does not say how many.
    ///
    /// # Errors
    /// The server refuses, or the connection broke.
    pub fn declare_quorum_queue(&mut self, name: &str, members: u32) -> Result<()> {
        const DURABLE: u8 = 0b10;
        let mut table = Vec::new();
        short_text(&mut table, "x-queue-type");
        table.push(b'S');
        long_bytes(&mut table, b"quorum");
        short_text(&mut table, "x-quorum-initial-group-size");
        table.push(b'I');
        table.extend_from_slice(&members.to_be_bytes());
        let mut arguments = vec![0, 0];
        short_text(&mut arguments, name);
        arguments.push(DURABLE);
        long_bytes(&mut arguments, &table);
        self.send(1, QUEUE_DECLARE, &arguments)?;
        self.expect(1, QUEUE_DECLARE_OK).map(drop)
    }

    /// Publishes one empty persistent message and waits until the queue has it.
    ///
    /// # Errors
    /// The server does not confirm it, or the connection broke.
    pub fn publish_confirmed(&mut self, queue: &str) -> Result<()> {
        self.send(1, CONFIRM_SELECT, &[0])?;
        self.expect(1, CONFIRM_SELECT_OK)?;
        let mut arguments = vec![0, 0];
        // The default exchange, which routes by the queue's name.
        short_text(&mut arguments, "");
        short_text(&mut arguments, queue);
        arguments.push(0);
        self.send(1, PUBLISH, &arguments)?;
        // Weight 0, a body of 0 bytes, and one property: the delivery mode.
        let mut header = BASIC.to_be_bytes().to_vec();
        header.extend_from_slice(&[0; 10]);
        header.extend_from_slice(&[0x10, 0, 2]);
        self.send_frame(HEADER, 1, &header)?;
        match self.expect_one(1, &[ACK, NACK])? {
            (ACK, _) => Ok(()),
            _ => Err(Error::other("it does not take what is published")),
        }
    }

    /// Takes one message out of a queue; whether there was one.
    ///
    /// # Errors
    /// There is no such queue, or the connection broke.
    pub fn take(&mut self, queue: &str) -> Result<bool> {
        const NO_ACK: u8 = 1;
        let mut arguments = vec![0, 0];
        short_text(&mut arguments, queue);
        arguments.push(NO_ACK);
        self.send(1, GET, &arguments)?;
        self.expect_one(1, &[GET_OK, GET_EMPTY]).map(|(answer, _)| answer == GET_OK)
    }

    /// Deletes a queue with all that is in it. One that is not there is none
    /// to delete, which is no error.
    ///
    /// # Errors
    /// The server refuses, or the connection broke.
    pub fn delete_queue(&mut self, name: &str) -> Result<()> {
        let mut arguments = vec![0, 0];
        short_text(&mut arguments, name);
        arguments.push(0);
        self.send(1, QUEUE_DELETE, &arguments)?;
        self.expect(1, QUEUE_DELETE_OK).map(drop)
    }
}
