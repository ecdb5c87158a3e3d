package main

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"
)

// connection notes when Redis could not be reached, and when it was again. The
// library does not say; its client's hooks do.
type connection struct {
	worker uint64
	events *events
	// calm is how long there has to be no failure until an answer counts: of
	// several masters those that live go on answering.
	calm     time.Duration
	isLost   atomic.Bool
	failedAt atomic.Int64
}

// watched is Redis where the library finds it, with every client watched.
type watched struct {
	asynq.RedisConnOpt
	by *connection
}

// MakeRedisClient makes the library's client and listens to it.
func (w watched) MakeRedisClient() any {
	made := w.RedisConnOpt.MakeRedisClient()
	switch client := made.(type) {
	case *goredis.ClusterClient:
		// The cluster's own hooks hear what is left after it has tried again:
		// nothing of an outage that is shorter than that.
		client.OnNewNode(func(node *goredis.Client) { node.AddHook(w.by) })
	case goredis.UniversalClient:
		client.AddHook(w.by)
	}
	return made
}

// DialHook hears of each connection that is made, or cannot be.
func (c *connection) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		made, err := next(ctx, network, address)
		if err != nil {
			c.note(ctx, err)
		}
		return made, err
	}
}

// ProcessHook hears of each answer, or its failure.
func (c *connection) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, command goredis.Cmder) error {
		err := next(ctx, command)
		c.note(ctx, err)
		return err
	}
}

// ProcessPipelineHook hears of the answers to several commands.
func (c *connection) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, commands []goredis.Cmder) error {
		err := next(ctx, commands)
		c.note(ctx, err)
		return err
	}
}

// note reports where an outcome changes what is known: a failure that is no
// answer of Redis, or an answer after one.
func (c *connection) note(ctx context.Context, err error) {
	// An error of Redis's own is an answer.
	var answer goredis.Error
	if err == nil || errors.As(err, &answer) {
		if c.isLost.Load() && nanotime()-c.failedAt.Load() >= c.calm.Nanoseconds() &&
			c.isLost.CompareAndSwap(true, false) {
			c.tell(reconnected)
		}
		return
	}
	// Whoever stops asking has learned nothing.
	if ctx.Err() != nil || errors.Is(err, goredis.ErrClosed) {
		return
	}
	c.failedAt.Store(nanotime())
	if c.isLost.CompareAndSwap(false, true) {
		c.tell(disconnected)
	}
}

func (c *connection) tell(status status) {
	now := nanotime()
	c.events.add(record{id: c.worker, status: status, start: now, end: now})
}
