// franz-go. See ../../README.md.
package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"lab/peers/serve"
)

var (
	ctx     = context.Background()
	brokers = strings.Split(os.Args[1], ",")
	codecs  = map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	acks = map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()}
)

func main() {
	serve.Serve("franz-go", "github.com/twmb/franz-go", answer)
}

func answer(command serve.Command) (serve.Answer, error) {
	switch command.Do {
	case "write":
		return nil, write(command)
	case "read":
		return read(command)
	case "group":
		return group(command)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return administer(kadm.NewClient(client), command)
}

func administer(admin *kadm.Client, command serve.Command) (serve.Answer, error) {
	switch command.Do {
	case "create":
		if _, err := admin.CreateTopic(ctx, int32(command.Partitions), -1, nil, command.Topic); err != nil {
			return nil, err
		}
		// Another broker hears of it a moment later.
		partitions := 0
		for tries := 0; tries < 20 && partitions == 0; tries++ {
			time.Sleep(100 * time.Millisecond)
			topics, err := admin.ListTopics(ctx, command.Topic)
			if err != nil {
				return nil, err
			}
			partitions = len(topics[command.Topic].Partitions)
		}
		return serve.Answer{"partitions": partitions}, nil
	case "configs":
		found, err := admin.DescribeTopicConfigs(ctx, command.Topic)
		if err != nil {
			return nil, err
		}
		resource, err := found.On(command.Topic, nil)
		if err != nil {
			return nil, err
		}
		configs := map[string]*string{}
		for _, config := range resource.Configs {
			configs[config.Key] = config.Value
		}
		return serve.Answer{"configs": configs}, resource.Err
	case "groups":
		groups, err := admin.ListGroups(ctx)
		return serve.Answer{"groups": groups.Groups()}, err
	case "delete":
		_, err := admin.DeleteTopic(ctx, command.Topic)
		return nil, err
	}
	return nil, serve.Lacks("the program does not know this command")
}

func write(command serve.Command) error {
	options := []kgo.Opt{kgo.SeedBrokers(brokers...), kgo.AllowAutoTopicCreation()}
	if codec, ok := codecs[command.Codec]; ok {
		options = append(options, kgo.ProducerBatchCompression(codec))
	}
	if level, ok := acks[command.Acks]; ok {
		options = append(options, kgo.RequiredAcks(level))
	}
	if command.Idempotence != nil && !*command.Idempotence {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	var records []*kgo.Record
	for _, one := range command.Records {
		record := &kgo.Record{Topic: command.Topic, Key: serve.Bytes(one.Key), Value: serve.Bytes(one.Value)}
		for _, header := range one.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: *header[0], Value: serve.Bytes(header[1])})
		}
		if one.Timestamp > 0 {
			record.Timestamp = time.UnixMilli(one.Timestamp)
		}
		records = append(records, record)
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

func read(command serve.Command) (serve.Answer, error) {
	from := kgo.NewOffset().AtStart()
	if command.Since != nil {
		from = kgo.NewOffset().AfterMilli(*command.Since)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(command.Topic), kgo.ConsumeResetOffset(from))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return take(client, command.Count)
}

func group(command serve.Command) (serve.Answer, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.ConsumerGroup(command.Group), kgo.ConsumeTopics(command.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	taken, err := take(client, command.Count)
	if err != nil {
		return nil, err
	}
	return taken, client.CommitUncommittedOffsets(ctx)
}

func take(client *kgo.Client, count int) (serve.Answer, error) {
	records := []serve.Record{}
	for len(records) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			one := serve.Record{Key: serve.Text(record.Key), Value: serve.Text(record.Value), Headers: [][2]*string{}}
			for _, header := range record.Headers {
				one.Headers = append(one.Headers, [2]*string{&header.Key, serve.Text(header.Value)})
			}
			records = append(records, one)
		})
	}
	return serve.Answer{"records": records}, nil
}
