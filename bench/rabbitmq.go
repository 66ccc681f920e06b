package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/test/proc"
)

const brokerVariable = "BONGSU_BENCH_BROKER"

var (
	rabbitStarted  = regexp.MustCompile(`Server startup complete`)
	workersStarted = regexp.MustCompile(`"msg":"working"`)
	rabbitMessage  = amqp.Publishing{ContentType: "application/json", DeliveryMode: amqp.Persistent}
)

// rabbitQueue is the queue of the pipeline.
const rabbitQueue = "bench"

// rabbitmq measures a pipeline without a record: messages are published to a durable
// queue with confirms, and workers in a separate process post each and then ack it.
func rabbitmq(s *scene) {
	url, found := s.rabbit()
	if !found {
		return
	}
	conn, err := amqp.Dial(url)
	s.must(err)
	defer conn.Close()
	channels := make(chan *amqp.Channel, workers) // a channel serves one goroutine at a time
	for range workers {
		c, err := conn.Channel()
		s.must(err)
		s.must(c.Confirm(false))
		channels <- c
	}
	c := <-channels
	_, err = c.QueueDeclare(rabbitQueue, true, false, false, false, nil)
	s.must(err)
	channels <- c
	s.part("worker", brokerVariable+"="+url, targetVariable+"="+s.fake.URL).Await(s, workersStarted, 1)
	s.besidePost("beside/rabbitmq", "messages/s", func(ctx context.Context, n int) error {
		c := <-channels
		defer func() { channels <- c }()
		message := rabbitMessage
		message.Body = []byte(slackBody(n))
		confirmed, err := c.PublishWithDeferredConfirmWithContext(ctx, "", rabbitQueue, false, false, message)
		if err != nil {
			return err
		}
		ok, err := confirmed.WaitContext(ctx)
		if err == nil && !ok {
			err = errors.New("RabbitMQ refused a message")
		}
		return err
	})
}

// rabbit starts a broker on loopback and returns its URL.
func (s *scene) rabbit() (url string, found bool) {
	// The script of the package, because the one in PATH runs as another user.
	scripts, err := filepath.Glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
	s.must(err)
	epmd, err := exec.LookPath("epmd")
	if len(scripts) == 0 || err != nil {
		s.leaveOut("RabbitMQ", "not found in /usr/lib/rabbitmq (Debian: apt-get install rabbitmq-server)")
		return "", false
	}
	dir, port := s.folder(), proc.Port(s)
	names := proc.Port(s) // for Erlang's port mapper, a process that is stopped after the scenario
	environment := slices.Concat(os.Environ(), []string{
		"HOME=" + dir, "ERL_EPMD_ADDRESS=127.0.0.1", fmt.Sprint("ERL_EPMD_PORT=", names),
		"RABBITMQ_NODENAME=bench@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", fmt.Sprint("RABBITMQ_NODE_PORT=", port),
		fmt.Sprint("RABBITMQ_DIST_PORT=", proc.Port(s)), "RABBITMQ_MNESIA_BASE=" + dir, "RABBITMQ_LOG_BASE=" + dir, "RABBITMQ_LOGS=-",
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(dir, "none"), "RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(dir, "plugins"),
		"RABBITMQ_CONF_ENV_FILE=" + filepath.Join(dir, "none.conf"),
		// So that the script execs the broker, which is then stopped as one process.
		"RABBITMQ_ALLOW_INPUT=1", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-noinput",
	})
	for _, cmd := range []*exec.Cmd{exec.Command(epmd), exec.Command("sh", "-c", `exec "$0" 1>&2`, scripts[len(scripts)-1])} {
		cmd.Env, cmd.Dir = environment, dir
		p := proc.Start(s, cmd)
		if cmd.Path != epmd {
			p.Await(s, rabbitStarted, 1)
		}
	}
	return fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", port), true
}

// postMessages is the part that consumes the queue of a broker: it posts each message
// to a fake, and acks it after the response.
func postMessages(ctx context.Context, broker, url string) error {
	conn, err := amqp.Dial(broker)
	if err != nil {
		return err
	}
	defer conn.Close()
	client := newHTTPClient(workers)
	g, ctx := errgroup.WithContext(ctx)
	for range workers {
		c, err := conn.Channel()
		if err != nil {
			return err
		}
		if err := c.Qos(16, 0, false); err != nil {
			return err
		}
		messages, err := c.ConsumeWithContext(ctx, rabbitQueue, "", false, false, false, false, nil)
		if err != nil {
			return err
		}
		g.Go(func() error {
			for m := range messages {
				if err := postJSON(ctx, client, url+"/api/chat.postMessage", bearer, string(m.Body)); err != nil {
					return err
				}
				if err := m.Ack(false); err != nil {
					return err
				}
			}
			return nil
		})
	}
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info("working")
	return g.Wait()
}
