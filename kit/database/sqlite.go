package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"

	"entgo.io/ent/dialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// readConnections is the number of connections that read a SQLite database concurrently.
const readConnections = 4

// openSQLite opens the file with one connection for writes and a few for reads: SQLite has one
// writer at a time, and readers do not wait for it.
func openSQLite(ctx context.Context, url string) (*Database, error) {
	path := strings.TrimPrefix(url, "sqlite:")
	if err := createFile(path); err != nil {
		return nil, err
	}
	writer, err := openFile(ctx, path, "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := openFile(ctx, path, "_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(readConnections)
	reader.SetMaxIdleConns(readConnections)
	return &Database{
		dialect: dialect.SQLite, file: path,
		writer: writer, reader: reader, writes: newPrepared(writer), reads: newPrepared(reader),
	}, nil
}

// createFile creates a missing file with access for its owner only; SQLite gives the files beside
// it the same mode.
func createFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot create %s: its folder does not exist", path)
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// openFile opens connections that wait for locks and flush each commit to the disk.
func openFile(ctx context.Context, path, more string) (*sql.DB, error) {
	file := neturl.URL{Path: filepath.ToSlash(path)}
	db, err := sql.Open("sqlite", "file:"+file.EscapedPath()+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_time_format=sqlite&_timezone=UTC&"+more)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := retryAborted(ctx, func() error { return db.PingContext(ctx) }); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return db, nil
}
