// kafka-go by segmentio. See ../../README.md.
package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"lab/peers/serve"
)

var (
	ctx     = context.Background()
	brokers = strings.Split(os.Args[1], ",")
	client  = &kafka.Client{Addr: kafka.TCP(brokers...)}
	codecs  = map[string]kafka.Compression{"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}
	acks    = map[string]kafka.RequiredAcks{"0": kafka.RequireNone, "1": kafka.RequireOne, "all": kafka.RequireAll}
)

func main() {
	serve.Serve("kafka-go", "github.com/segmentio/kafka-go", answer)
}

func answer(command serve.Command) (serve.Answer, error) {
	switch command.Do {
	case "create":
		return create(command)
	case "write":
		return nil, write(command)
	case "read":
		return read(command)
	case "group":
		return group(command)
	case "configs":
		return configs(command)
	case "groups":
		found, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
		if err != nil {
			return nil, err
		}
		groups := []string{}
		for _, group := range found.Groups {
			groups = append(groups, group.GroupID)
		}
		return serve.Answer{"groups": groups}, found.Error
	case "delete":
		done, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{command.Topic}})
		if err != nil {
			return nil, err
		}
		return nil, done.Errors[command.Topic]
	}
	return nil, serve.Lacks("the program does not know this command")
}

func create(command serve.Command) (serve.Answer, error) {
	topic := kafka.TopicConfig{Topic: command.Topic, NumPartitions: command.Partitions, ReplicationFactor: -1}
	done, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err != nil {
		return nil, err
	}
	if err := done.Errors[command.Topic]; err != nil {
		return nil, err
	}
	partitions, err := partitions(command.Topic)
	return serve.Answer{"partitions": len(partitions)}, err
}

func partitions(topic string) ([]kafka.Partition, error) {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	return metadata.Topics[0].Partitions, metadata.Topics[0].Error
}

func write(command serve.Command) error {
	if command.Idempotence != nil && *command.Idempotence {
		return serve.Lacks("its Writer has no idempotence")
	}
	writer := &kafka.Writer{Addr: kafka.TCP(brokers...), Topic: command.Topic, AllowAutoTopicCreation: true}
	defer writer.Close()
	if codec, ok := codecs[command.Codec]; ok {
		writer.Compression = codec
	}
	if level, ok := acks[command.Acks]; ok {
		writer.RequiredAcks = level
	}
	var messages []kafka.Message
	for _, one := range command.Records {
		message := kafka.Message{Key: serve.Bytes(one.Key), Value: serve.Bytes(one.Value)}
		for _, header := range one.Headers {
			message.Headers = append(message.Headers, kafka.Header{Key: *header[0], Value: serve.Bytes(header[1])})
		}
		if one.Timestamp > 0 {
			message.Time = time.UnixMilli(one.Timestamp)
		}
		messages = append(messages, message)
	}
	err := writer.WriteMessages(ctx, messages...)
	// A topic that is being made on demand is first not there: its users try again.
	for tries := 0; tries < 20 && errors.Is(err, kafka.UnknownTopicOrPartition); tries++ {
		time.Sleep(100 * time.Millisecond)
		err = writer.WriteMessages(ctx, messages...)
	}
	return err
}

func record(message kafka.Message) serve.Record {
	one := serve.Record{Key: serve.Text(message.Key), Value: serve.Text(message.Value), Headers: [][2]*string{}}
	for _, header := range message.Headers {
		one.Headers = append(one.Headers, [2]*string{&header.Key, serve.Text(header.Value)})
	}
	return one
}

func read(command serve.Command) (serve.Answer, error) {
	partitions, err := partitions(command.Topic)
	if err != nil {
		return nil, err
	}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	type one struct {
		message kafka.Message
		err     error
	}
	all := make(chan one)
	for _, partition := range partitions {
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: brokers, Topic: command.Topic, Partition: partition.ID})
		defer reader.Close()
		if command.Since != nil {
			if err := reader.SetOffsetAt(ctx, time.UnixMilli(*command.Since)); err != nil {
				return nil, err
			}
		}
		go func() {
			for {
				message, err := reader.ReadMessage(ctx)
				select {
				case all <- one{message, err}:
				case <-ctx.Done():
				}
				if err != nil {
					return
				}
			}
		}()
	}
	records := []serve.Record{}
	for len(records) < command.Count {
		next := <-all
		if next.err != nil {
			return nil, next.err
		}
		records = append(records, record(next.message))
	}
	return serve.Answer{"records": records}, nil
}

func group(command serve.Command) (serve.Answer, error) {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: brokers, Topic: command.Topic, GroupID: command.Group, StartOffset: kafka.FirstOffset,
	})
	records := []serve.Record{}
	for len(records) < command.Count {
		// It commits each as it reads.
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return nil, err
		}
		records = append(records, record(message))
	}
	return serve.Answer{"records": records}, reader.Close()
}

func configs(command serve.Command) (serve.Answer, error) {
	resource := kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: command.Topic}
	found, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{resource}})
	if err != nil {
		return nil, err
	}
	configs := map[string]string{}
	for _, entry := range found.Resources[0].ConfigEntries {
		configs[entry.ConfigName] = entry.ConfigValue
	}
	return serve.Answer{"configs": configs}, found.Resources[0].Error
}
