// Package platform is what stands beside the services of an example that runs without a deployment: a
// NATS server in the process, and Bongsu in a child process.
package platform

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/natsserver"
	"github.com/bongsu-project/bongsu/kit/process"
)

// Flags are the settings of a Platform. The tags are flags of a command line that kong parses.
type Flags struct {
	EdgeAddr string `default:"127.0.0.1:18080" group:"Without --nats-url:" help:"The address of Bongsu's edge, by which the services are called."`
	Bongsu   string `type:"path" placeholder:"FILE" group:"Without --nats-url:" help:"The program bongsu. By default it is built."`
	NATSAddr string `name:"nats-addr" default:"127.0.0.1:0" group:"Without --nats-url:" help:"The address of the embedded NATS server; other processes may join it."`
}

// A Platform is a NATS server and Bongsu. Open opens it, StartBongsu starts Bongsu, and Close ends both.
type Platform struct {
	dir      string
	flags    Flags
	keyFile  string // the path of the internal key
	logLevel slog.Level
	log      *slog.Logger

	nats   *nats.Conn
	server *natsserver.Server
	bongsu *bongsu // nil before StartBongsu
}

// Open starts a NATS server, with its data below a folder, and joins a process to it: it sets NATS of
// the config and, unless that is set, KeyFile.
func Open(dir string, flags Flags, config *process.Config) (*Platform, error) {
	p := &Platform{dir: dir, flags: flags, logLevel: config.LogLevel, log: config.Log}
	var err error
	if config.KeyFile == "" {
		if config.KeyFile, err = internalKey(dir); err != nil {
			return nil, err
		}
	}
	p.keyFile = config.KeyFile
	p.server, err = natsserver.Start(natsserver.Options{Dir: filepath.Join(dir, "nats"), Addr: flags.NATSAddr, Name: config.Name})
	if err != nil {
		return nil, err
	}
	if p.nats, err = p.server.Connect(p.log); err != nil {
		p.server.Stop()
		return nil, err
	}
	p.log.Info("nats running", "url", p.server.URL())
	config.NATS = p.nats
	return p, nil
}

// Tasks returns what must run while the process runs. StartBongsu comes before.
func (p *Platform) Tasks() []process.Task {
	return []process.Task{func(ctx context.Context) error { return p.server.Run(ctx, p.log) }, p.bongsu.wait}
}

// Close stops Bongsu and then the NATS server. The tasks must have ended.
func (p *Platform) Close() error {
	var err error
	if p.bongsu != nil {
		err = p.bongsu.stop()
	}
	p.nats.Close()
	p.server.Stop()
	return err
}

// internalKey returns the path of the key by which the processes know one another, and creates it in a
// folder if it is missing.
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
