// The worker of schedbench's system asynq: the library's own servers on the
// queue of a cell, or on all of them. See README.md for the protocol and for running it by hand.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hibiken/asynq"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "asynq worker:", err)
		os.Exit(1)
	}
}

func run() error {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	pipe := os.NewFile(3, "events")
	if _, err := pipe.Stat(); err != nil {
		return fmt.Errorf("descriptor 3, where events go, is not open: %w", err)
	}
	work, err := readWork(os.Stdin)
	if err != nil {
		return err
	}
	out := newEvents(pipe, work.WriteEach)
	at, err := redis(work)
	if err != nil {
		return err
	}
	watch := &connection{worker: work.Index, events: out}
	if work.Options.ClusterNodes != "" {
		watch.calm = time.Second
	}
	at = watched{at, watch}
	servers, err := start(work, at, &handler{work: work, bodies: newBodyPool(work.Body), events: out})
	if err != nil {
		return err
	}
	now := nanotime()
	out.add(record{id: work.Index, status: ready, start: now, end: now})
	out.flush()
	stop := make(chan struct{})
	go reportPauses(out, stop)

	<-terminate
	close(stop)
	shutDown(servers)
	out.flush()
	cost, err := ownCost(work)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "our part of a task: %d ns (two clock readings, planned end, body of %d "+
		"bytes compared, record)\n", cost.Nanoseconds(), work.Body.Bytes)
	return nil
}

// start starts the servers that share the process's handlers.
func start(work *Work, at asynq.RedisConnOpt, handler asynq.Handler) ([]*asynq.Server, error) {
	var servers []*asynq.Server
	for _, concurrency := range shares(work) {
		server := asynq.NewServer(at, config(work, concurrency))
		err := server.Start(handler)
		if err == nil {
			servers = append(servers, server)
			err = server.Ping()
		}
		if err != nil {
			shutDown(servers)
			return nil, fmt.Errorf("redis at %s: %w", place(work.At), err)
		}
	}
	return servers, nil
}

// shares divides the process's handlers among its servers.
func shares(work *Work) []int {
	handlers := work.Shape.Concurrency
	if work.Options.Concurrency > 0 {
		handlers = work.Options.Concurrency
	}
	handlers = max(1, handlers)
	servers := min(max(1, work.Options.Servers), handlers)
	shares := make([]int, servers)
	for n := range handlers {
		shares[n%servers]++
	}
	return shares
}

// config leaves everything at the library's defaults that no profile sets;
// zero is that default for both intervals.
func config(work *Work, concurrency int) asynq.Config {
	ms := func(number int) time.Duration { return time.Duration(number) * time.Millisecond }
	return asynq.Config{
		Concurrency:              concurrency,
		Queues:                   queues(work),
		TaskCheckInterval:        ms(work.Options.TaskCheckInterval),
		DelayedTaskCheckInterval: ms(work.Options.DelayedTaskCheckInterval),
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration {
			return work.Retry.Backoff
		},
		LogLevel: asynq.WarnLevel,
	}
}

// queues are all that the cell has, each as important as the others.
func queues(work *Work) map[string]int {
	if work.Options.Queues == "" {
		return map[string]int{work.Queue: 1}
	}
	queues := make(map[string]int)
	for _, name := range strings.Split(work.Options.Queues, ",") {
		queues[name] = 1
	}
	return queues
}

// redis says where Redis is: at the address, wherever the sentinels there say
// that the primary is, or at the masters of a cluster.
func redis(work *Work) (asynq.RedisConnOpt, error) {
	at := work.At
	database := 0
	if at.Database != "" {
		number, err := strconv.Atoi(at.Database)
		if err != nil {
			return nil, fmt.Errorf("Redis numbers its databases: %w", err)
		}
		database = number
	}
	if master := work.Options.SentinelMaster; master != "" {
		// The one there knows the others, which the client asks it for.
		return asynq.RedisFailoverClientOpt{
			MasterName: master, SentinelAddrs: []string{place(at)}, SentinelPassword: at.Password,
			Username: at.User, Password: at.Password, DB: database,
		}, nil
	}
	if nodes := work.Options.ClusterNodes; nodes != "" {
		// A cluster has one database.
		return asynq.RedisClusterClientOpt{
			Addrs: strings.Split(nodes, ","), Username: at.User, Password: at.Password,
		}, nil
	}
	return asynq.RedisClientOpt{
		Addr: place(at), Username: at.User, Password: at.Password, DB: database,
	}, nil
}

func place(at Address) string {
	return net.JoinHostPort(at.Host, strconv.Itoa(int(at.Port)))
}

// shutDown lets what runs finish, for as long as the library waits (8 s), and
// gives back the rest. All at once: an idle server takes up to 1.5 s.
func shutDown(servers []*asynq.Server) {
	var all sync.WaitGroup
	for _, server := range servers {
		all.Add(1)
		go func() {
			defer all.Done()
			server.Shutdown()
		}()
	}
	all.Wait()
}

var errPlanned = errors.New("planned failure")

// handler runs attempts and reports them.
type handler struct {
	work   *Work
	bodies *bodyPool
	events *events
}

// foreignID stands for a task whose id is none of the harness's.
const foreignID = ^uint64(0)

// ProcessTask does the handler's work and ends as the seed has planned it.
func (h *handler) ProcessTask(ctx context.Context, task *asynq.Task) error {
	start := nanotime()
	text, _ := asynq.GetTaskID(ctx)
	retried, _ := asynq.GetRetryCount(ctx)
	retries, _ := asynq.GetMaxRetry(ctx)
	return h.attempt(start, text, uint32(retried), retried >= retries, task.Payload())
}

// attempt does an attempt that began at start, and reports it.
func (h *handler) attempt(start int64, text string, attempt uint32, isLast bool, body []byte) error {
	h.work.Handler.perform()
	r := record{attempt: attempt, status: done, start: start}
	if id, err := strconv.ParseUint(text, 16, 64); err != nil || len(text) != 16 {
		// Another program's task is run too, and counted as foreign.
		r.id = foreignID
	} else {
		r.id = id
		r.status = h.end(id, attempt, isLast, body)
	}
	r.end = nanotime()
	h.events.add(r)
	if r.status == failed || r.status == failedFinally {
		return errPlanned
	}
	return nil
}

// end is how an attempt ends.
func (h *handler) end(id uint64, attempt uint32, isLast bool, body []byte) status {
	switch {
	case attemptFails(h.work.Seed, id, attempt, h.work.FailPPM):
		if isLast {
			return failedFinally
		}
		return failed
	case !h.bodies.isIntact(id, body):
		return corrupt
	default:
		return done
	}
}
