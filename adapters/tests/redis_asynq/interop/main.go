// Asynq's own library on the queue that the adapter's test uses.
//
//	interop ADDRESS QUEUE enqueue N   sends N tasks, every tenth due in 1 s
//	interop ADDRESS QUEUE work N      runs N tasks, then stops
//	interop ADDRESS QUEUE inspect     prints what the inspector sees
//
// The password is in the environment, REDIS_PASSWORD.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

func main() {
	at := asynq.RedisClientOpt{Addr: os.Args[1], Password: os.Getenv("REDIS_PASSWORD")}
	queue := os.Args[2]
	count := 0
	if len(os.Args) > 4 {
		number, err := strconv.Atoi(os.Args[4])
		must(err)
		count = number
	}
	switch os.Args[3] {
	case "enqueue":
		enqueue(at, queue, count)
	case "work":
		work(at, queue, int64(count))
	case "inspect":
		inspect(at, queue)
	}
}

func enqueue(at asynq.RedisClientOpt, queue string, count int) {
	client := asynq.NewClient(at)
	defer client.Close()
	for n := 0; n < count; n++ {
		task := asynq.NewTaskWithHeaders("schedbench:task", []byte("from go"), map[string]string{"k": "v"})
		// The ids that the harness would give: cell 7.
		options := []asynq.Option{asynq.Queue(queue), asynq.TaskID(fmt.Sprintf("%016x", 7<<40|(500_000+n))), asynq.MaxRetry(3)}
		if n%10 == 0 {
			options = append(options, asynq.ProcessIn(time.Second))
		}
		_, err := client.Enqueue(task, options...)
		must(err)
	}
}

func work(at asynq.RedisClientOpt, queue string, count int64) {
	var done atomic.Int64
	all := make(chan struct{})
	server := asynq.NewServer(at, asynq.Config{
		Concurrency:              8,
		Queues:                   map[string]int{queue: 1},
		TaskCheckInterval:        10 * time.Millisecond,
		DelayedTaskCheckInterval: 100 * time.Millisecond,
		LogLevel:                 asynq.ErrorLevel,
	})
	must(server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		if task.Type() != "schedbench:task" {
			return fmt.Errorf("unexpected type %q", task.Type())
		}
		fmt.Println(task.ResultWriter().TaskID(), len(task.Payload()))
		if done.Add(1) == count {
			close(all)
		}
		return nil
	})))
	<-all
	server.Shutdown()
}

func inspect(at asynq.RedisClientOpt, queue string) {
	inspector := asynq.NewInspector(at)
	defer inspector.Close()
	info, err := inspector.GetQueueInfo(queue)
	must(err)
	fmt.Printf("pending=%d active=%d scheduled=%d retry=%d archived=%d processed=%d failed=%d\n",
		info.Pending, info.Active, info.Scheduled, info.Retry, info.Archived, info.ProcessedTotal, info.FailedTotal)
	servers, err := inspector.Servers()
	must(err)
	for _, server := range servers {
		fmt.Printf("server concurrency=%d status=%s queues=%v running=%d\n",
			server.Concurrency, server.Status, server.Queues, len(server.ActiveWorkers))
	}
	retries, err := inspector.ListRetryTasks(queue)
	must(err)
	for _, task := range retries {
		fmt.Printf("retry id=%s retried=%d/%d error=%q\n", task.ID, task.Retried, task.MaxRetry, task.LastErr)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
