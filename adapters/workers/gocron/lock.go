package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"

	"schedbench/fed"
)

// locker makes gocron's locks of redsync's, as gocron's own module for Redis
// does: one try, and what fails is not run.
type locker struct {
	redsync *redsync.Redsync
	// letGo is told of each job that is not run for want of its lock.
	letGo func()
}

func newLocker(work *fed.Work, letGo func()) (*locker, error) {
	at := work.At
	if at == nil {
		return nil, fmt.Errorf("profile %s needs the address of a Redis", work.Profile)
	}
	if at.TLS {
		return nil, fmt.Errorf("profile %s speaks to Redis without TLS only", work.Profile)
	}
	options := &redis.Options{
		Addr: net.JoinHostPort(at.Host, strconv.Itoa(int(at.Port))),
		// A job that runs holds a connection while it locks and unlocks.
		PoolSize: max(1, work.Shape.Concurrency, work.Shape.Connections),
	}
	if at.User != nil {
		options.Username = *at.User
	}
	if at.Password != nil {
		options.Password = *at.Password
	}
	if at.Database != nil {
		number, err := strconv.Atoi(*at.Database)
		if err != nil {
			return nil, fmt.Errorf("redis numbers its databases: %q is no number", *at.Database)
		}
		options.DB = number
	}
	client := redis.NewClient(options)
	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.Ping(within).Err(); err != nil {
		return nil, fmt.Errorf("redis at %s: %w", options.Addr, err)
	}
	return &locker{redsync.New(goredis.NewPool(client)), letGo}, nil
}

func (l *locker) Lock(ctx context.Context, key string) (gocron.Lock, error) {
	mutex := l.redsync.NewMutex(key, redsync.WithTries(1))
	if err := mutex.LockContext(ctx); err != nil {
		l.letGo()
		return nil, err
	}
	return lock{mutex}, nil
}

type lock struct{ mutex *redsync.Mutex }

func (l lock) Unlock(ctx context.Context) error {
	_, err := l.mutex.UnlockContext(ctx)
	return err
}
