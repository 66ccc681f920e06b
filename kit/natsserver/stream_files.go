package natsserver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
)

// HasStreamFiles reports whether the metadata file of a stream exists: a server goes on serving a
// stream whose files were deleted. It returns true if the folder cannot be read.
func (s *Server) HasStreamFiles(stream string) bool {
	_, err := os.Stat(filepath.Join(s.options.Dir, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams", stream, server.JetStreamMetaFile))
	return !errors.Is(err, fs.ErrNotExist)
}
