package database

import (
	"context"
	"database/sql"
	"sync"
)

// maxCachedStatements is the maximum number of cached statements: they are the program's own, and few.
// Statements beyond it are parsed at each use.
const maxCachedStatements = 256

// A statementCache caches the prepared statements of a SQLite database: parsing a statement that
// writes a hundred rows takes longer than running it. For PostgreSQL, pgx has a cache of its
// own. It is safe for concurrent use; its statements are closed with the database.
type statementCache struct {
	db *sql.DB

	mu     sync.Mutex
	byText map[string]*sql.Stmt // nil until it is prepared
	fresh  []string             // texts to prepare
}

func newPrepared(db *sql.DB) *statementCache {
	return &statementCache{db: db, byText: map[string]*sql.Stmt{}}
}

// get returns the cached statement, or nil. A missing statement is registered for
// preparation while the cache has room.
func (c *statementCache) get(text string) *sql.Stmt {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	statement, ok := c.byText[text]
	if !ok && len(c.byText) < maxCachedStatements {
		c.byText[text] = nil
		c.fresh = append(c.fresh, text)
	}
	return statement
}

// prepare prepares the statements that were missing. No transaction may be open: it may hold
// the only connection. A statement that fails to prepare returns its error when it is run.
func (c *statementCache) prepare(ctx context.Context) {
	if c == nil {
		return
	}
	c.mu.Lock()
	fresh := c.fresh
	c.fresh = nil
	c.mu.Unlock()
	for _, text := range fresh {
		statement, err := c.db.PrepareContext(ctx, text) //nolint:sqlclosecheck // cached, and closed with the database
		if err != nil {
			continue
		}
		c.mu.Lock()
		c.byText[text] = statement
		c.mu.Unlock()
	}
}
