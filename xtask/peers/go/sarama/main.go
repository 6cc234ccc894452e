// sarama. See ../../README.md.
package main

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"lab/peers/serve"
)

var (
	brokers = strings.Split(os.Args[1], ",")
	codecs  = map[string]sarama.CompressionCodec{
		"gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
	}
	acks = map[string]sarama.RequiredAcks{"0": sarama.NoResponse, "1": sarama.WaitForLocal, "all": sarama.WaitForAll}
)

func main() {
	serve.Serve("sarama", "github.com/IBM/sarama", answer)
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
	admin, err := sarama.NewClusterAdmin(brokers, sarama.NewConfig())
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	return administer(admin, command)
}

func administer(admin sarama.ClusterAdmin, command serve.Command) (serve.Answer, error) {
	switch command.Do {
	case "create":
		detail := &sarama.TopicDetail{NumPartitions: int32(command.Partitions), ReplicationFactor: -1}
		if err := admin.CreateTopic(command.Topic, detail, false); err != nil {
			return nil, err
		}
		// Another broker hears of it a moment later.
		partitions := 0
		for tries := 0; tries < 20 && partitions == 0; tries++ {
			time.Sleep(100 * time.Millisecond)
			topics, err := admin.DescribeTopics([]string{command.Topic})
			if err != nil {
				return nil, err
			}
			partitions = len(topics[0].Partitions)
		}
		return serve.Answer{"partitions": partitions}, nil
	case "configs":
		entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: command.Topic})
		configs := map[string]string{}
		for _, entry := range entries {
			configs[entry.Name] = entry.Value
		}
		return serve.Answer{"configs": configs}, err
	case "groups":
		found, err := admin.ListConsumerGroups()
		groups := []string{}
		for name := range found {
			groups = append(groups, name)
		}
		return serve.Answer{"groups": groups}, err
	case "delete":
		return nil, admin.DeleteTopic(command.Topic)
	}
	return nil, serve.Lacks("the program does not know this command")
}

func write(command serve.Command) error {
	config := sarama.NewConfig()
	// A SyncProducer asks for it.
	config.Producer.Return.Successes = true
	if codec, ok := codecs[command.Codec]; ok {
		config.Producer.Compression = codec
	}
	if level, ok := acks[command.Acks]; ok {
		config.Producer.RequiredAcks = level
	}
	if command.Idempotence != nil && *command.Idempotence {
		// What the library asks for beside it.
		config.Producer.Idempotent, config.Producer.RequiredAcks, config.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
	}
	producer, err := sarama.NewSyncProducer(brokers, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for _, one := range command.Records {
		message := &sarama.ProducerMessage{Topic: command.Topic}
		if one.Key != nil {
			message.Key = sarama.StringEncoder(*one.Key)
		}
		if one.Value != nil {
			message.Value = sarama.StringEncoder(*one.Value)
		}
		for _, header := range one.Headers {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(*header[0]), Value: serve.Bytes(header[1])})
		}
		if one.Timestamp > 0 {
			message.Timestamp = time.UnixMilli(one.Timestamp)
		}
		messages = append(messages, message)
	}
	return producer.SendMessages(messages)
}

func record(message *sarama.ConsumerMessage) serve.Record {
	one := serve.Record{Key: serve.Text(message.Key), Value: serve.Text(message.Value), Headers: [][2]*string{}}
	for _, header := range message.Headers {
		name := string(header.Key)
		one.Headers = append(one.Headers, [2]*string{&name, serve.Text(header.Value)})
	}
	return one
}

func read(command serve.Command) (serve.Answer, error) {
	client, err := sarama.NewClient(brokers, sarama.NewConfig())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	partitions, err := client.Partitions(command.Topic)
	if err != nil {
		return nil, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	all := make(chan *sarama.ConsumerMessage)
	for _, partition := range partitions {
		from := sarama.OffsetOldest
		if command.Since != nil {
			if from, err = client.GetOffset(command.Topic, partition, *command.Since); err != nil {
				return nil, err
			}
		}
		reader, err := consumer.ConsumePartition(command.Topic, partition, from)
		if err != nil {
			return nil, err
		}
		defer reader.AsyncClose()
		go func() {
			for message := range reader.Messages() {
				all <- message
			}
		}()
	}
	records := []serve.Record{}
	for len(records) < command.Count {
		records = append(records, record(<-all))
	}
	return serve.Answer{"records": records}, nil
}

// member hands on what it reads.
type member struct {
	lock    sync.Mutex
	count   int
	records []serve.Record
	enough  context.CancelFunc
}

func (*member) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		m.take(session, message)
	}
	return nil
}

func (m *member) take(session sarama.ConsumerGroupSession, message *sarama.ConsumerMessage) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if len(m.records) < m.count {
		m.records = append(m.records, record(message))
		session.MarkMessage(message, "")
	}
	if len(m.records) == m.count {
		m.enough()
	}
}

func group(command serve.Command) (serve.Answer, error) {
	config := sarama.NewConfig()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	group, err := sarama.NewConsumerGroup(brokers, command.Group, config)
	if err != nil {
		return nil, err
	}
	ctx, enough := context.WithCancel(context.Background())
	defer enough()
	m := &member{count: command.Count, records: []serve.Record{}, enough: enough}
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{command.Topic}, m); err != nil && ctx.Err() == nil {
			return nil, err
		}
	}
	// Closing commits what was marked.
	return serve.Answer{"records": m.records}, group.Close()
}
