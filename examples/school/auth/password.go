package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
)

// The parameters of new hashes are those that OWASP recommends for argon2id
// (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	saltBytes    = 16
	hashBytes    = 32
)

// passwords hashes passwords with argon2id, as many at a time as there are processors: a hash takes
// 19 MiB. It is safe for concurrent use.
type passwords struct{ running *semaphore.Weighted }

func newPasswords() passwords {
	return passwords{semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))}
}

// hash returns the hash of a password in the PHC string format. It returns the error of ctx if that
// ends before.
func (p passwords) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // it never fails
	key, err := p.key(ctx, password, argon{argonMemory, argonTime, argonThreads, salt, make([]byte, hashBytes)})
	if err != nil {
		return "", err
	}
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, text(salt), text(key)), nil
}

// verify reports whether a password has a hash.
func (p passwords) verify(ctx context.Context, password, hash string) (bool, error) {
	a, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	key, err := p.key(ctx, password, a)
	return subtle.ConstantTimeCompare(key, a.key) == 1, err
}

func (p passwords) key(ctx context.Context, password string, a argon) ([]byte, error) {
	if err := p.running.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer p.running.Release(1)
	return argon2.IDKey([]byte(password), a.salt, a.time, a.memory, a.threads, uint32(len(a.key))), nil
}

// An argon is a parsed hash.
type argon struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

var errHash = errors.New("a stored password is not a hash of argon2id")

// parseHash parses a hash in the PHC string format.
func parseHash(text string) (a argon, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return argon{}, errHash
	}
	var version int
	_, err1 := fmt.Sscanf(parts[2], "v=%d", &version)
	_, err2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.time, &a.threads)
	var err3, err4 error
	a.salt, err3 = base64.RawStdEncoding.DecodeString(parts[4])
	a.key, err4 = base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(err1, err2, err3, err4); err != nil || version != argon2.Version || len(a.key) != hashBytes {
		return argon{}, errHash
	}
	return a, nil
}
