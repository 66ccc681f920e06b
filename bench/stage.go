package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/bongsu-project/bongsu/bench/fake"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// A stage holds the resources that scenarios share.
type stage struct {
	options
	ctx      context.Context // canceled to end everything
	progress io.Writer       // for progress messages
	fake     *fake.Fake
	binaries proc.Binaries
	key      string // path of the seal key file

	notes    []string             // what was not measured, and why
	postgres *postgrestest.Server // started on first use
	full     map[string]databases // prefilled databases, by their content
	folders  []string             // to remove, with those of full
}

// newStage builds the programs and starts the fake. The stage must be closed.
func newStage(ctx context.Context, o options, progress io.Writer) (*stage, error) {
	st := &stage{options: o, ctx: ctx, progress: progress, full: map[string]databases{}}
	dir, err := os.MkdirTemp(o.Dir, "bench-")
	if err != nil {
		return nil, err
	}
	st.folders = append(st.folders, dir)
	if st.binaries, err = proc.Build(dir); err != nil {
		return nil, errors.Join(err, st.close())
	}
	if o.Bongsu != "" {
		st.binaries.Bongsu = o.Bongsu
	}
	st.key = filepath.Join(dir, "seal.key")
	if output, err := exec.CommandContext(ctx, st.binaries.Bongsu, "key", "make", st.key).CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("key make: %w\n%s", err, output), st.close())
	}
	if st.fake, err = fake.Listen(ctx); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return st, nil
}

// close stops the servers and removes the folders.
func (st *stage) close() error {
	var err error
	if st.fake != nil {
		err = st.fake.Close()
	}
	if st.postgres != nil {
		err = errors.Join(err, st.postgres.Stop())
	}
	for _, dir := range st.folders {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// note records, once, that something was not measured.
func (st *stage) note(text string) {
	if !slices.Contains(st.notes, text) {
		st.notes = append(st.notes, text)
	}
}

// server returns the PostgreSQL of the stage, whose commits wait for fsync, or
// postgrestest.ErrNone.
func (st *stage) server() (*postgrestest.Server, error) {
	if st.postgres == nil {
		server, err := postgrestest.Start(st.ctx, testenv.Postgres, "fsync=on", "synchronous_commit=on")
		if err != nil {
			return nil, err
		}
		st.postgres = server
	}
	return st.postgres, nil
}
