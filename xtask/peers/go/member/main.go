// One member of a group, by franz-go. See ../../README.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	bootstrap, topic, group := os.Args[1], os.Args[2], os.Args[3]
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()

	var lock sync.Mutex
	owned := map[int32]bool{}
	tell := func(change map[string][]int32, has bool) {
		lock.Lock()
		defer lock.Unlock()
		for _, partition := range change[topic] {
			if has {
				owned[partition] = true
			} else {
				delete(owned, partition)
			}
		}
		var all []int
		for partition := range owned {
			all = append(all, int(partition))
		}
		sort.Ints(all)
		fmt.Println("assigned", strings.Trim(strings.ReplaceAll(fmt.Sprint(all), " ", ","), "[]"))
	}
	gained := func(_ context.Context, _ *kgo.Client, change map[string][]int32) { tell(change, true) }
	gone := func(_ context.Context, _ *kgo.Client, change map[string][]int32) { tell(change, false) }

	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.Balancers(kgo.RoundRobinBalancer()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(6*time.Second),
		kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.OnPartitionsAssigned(gained),
		kgo.OnPartitionsRevoked(gone),
		kgo.OnPartitionsLost(gone),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) {
			if ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "error", err)
			}
		})
		fetches.EachRecord(func(record *kgo.Record) {
			fmt.Println("record", record.Partition, record.Offset, string(record.Value))
		})
		if records := fetches.Records(); len(records) > 0 {
			if err := client.CommitRecords(context.Background(), records...); err != nil {
				fmt.Fprintln(os.Stderr, "offset commit", err)
			}
		}
	}
	client.Close()
	fmt.Println("left")
}
