package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bongsu-project/bongsu/kit/natsserver"
)

// embeddedFlags are the settings of what runs beside the services without --nats-url.
type embeddedFlags struct {
	EdgeAddr  string `default:"127.0.0.1:18080" group:"Without --nats-url:" help:"The address of Bongsu's edge, by which the services are called."`
	Bongsu    string `type:"path" placeholder:"FILE" group:"Without --nats-url:" help:"The program bongsu. By default it is built."`
	NATSAddr  string `name:"nats-addr" default:"127.0.0.1:0" group:"Without --nats-url:" help:"The address of the embedded NATS server; other processes may join it."`
	PublicURL string `default:"http://127.0.0.1:8080" placeholder:"URL" group:"Without --nats-url:" help:"Where customers reach the pages, for the links of notifications."`
}

// runEmbedded runs the services with a NATS server in this process, and Bongsu in a child process.
// They end in the reverse order.
func (c *serveCmd) runEmbedded(ctx context.Context) (err error) {
	server, err := natsserver.Start(natsserver.Options{Dir: filepath.Join(c.Data, "nats"), Addr: c.NATSAddr, Name: "library"})
	if err != nil {
		return err
	}
	defer server.Stop()
	c.Log.Info("nats running", "url", server.URL())
	if c.NATS, err = server.Connect(c.Log); err != nil {
		return err
	}
	defer c.NATS.Close()
	if c.KeyFile == "" {
		if c.KeyFile, err = internalKey(c.Data); err != nil {
			return err
		}
	}
	bongsu, err := c.startBongsu(ctx, server.URL())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bongsu.Stop()) }()
	return c.serve(ctx,
		func(ctx context.Context) error { return server.Run(ctx, c.Log) },
		bongsu.Wait,
		func(ctx context.Context) error { return c.seed(ctx, bongsu, server.URL()) },
	)
}

// internalKey returns the path of the key by which the processes know one another, and creates it
// in a folder if it is missing.
func internalKey(dir string) (string, error) {
	path := filepath.Join(dir, "internal.key")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(rand.Text() + rand.Text() + "\n")
	return path, errors.Join(err, file.Close())
}
