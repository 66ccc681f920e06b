package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	refreshLife = 14 * 24 * time.Hour // of a refresh token
	resetLife   = 15 * time.Minute    // of a code that resets a password

	// attemptWindow and maxAttempts limit sign-in, and what resets a password: that many attempts
	// in that time.
	attemptWindow = 15 * time.Minute
	maxAttempts   = 10
)

// digest returns the stored form of a token, a code, or the name of an account that may not exist.
func digest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// BeginAttempt counts an attempt to sign in to an account, which need not exist, or of another kind. It returns
// fault.ErrExhausted, with the time to wait, for too many.
func (s *Store) BeginAttempt(ctx context.Context, id string, now time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := t.Exec(ctx, "DELETE FROM sign_in_attempts WHERE begin < ?", now.Add(-attemptWindow).UnixMicro()); err != nil {
			return err
		}
		_, err := t.Exec(ctx, `INSERT INTO sign_in_attempts (account_hash, begin, failures) VALUES (?, ?, 1)
			ON CONFLICT (account_hash) DO UPDATE SET failures = sign_in_attempts.failures + 1`, digest(id), now.UnixMicro())
		if err != nil {
			return err
		}
		type attempts struct{ begin, failures int64 }
		found, err := database.Select(ctx, t, func(rows *sql.Rows, a *attempts) error { return rows.Scan(&a.begin, &a.failures) },
			"SELECT begin, failures FROM sign_in_attempts WHERE account_hash = ?", digest(id))
		if err != nil || len(found) == 0 || found[0].failures <= maxAttempts {
			return err
		}
		wait := time.UnixMicro(found[0].begin).Add(attemptWindow).Sub(now)
		return fault.WithDelay(fault.Exhaustedf("too many attempts; try again in %s", wait.Round(time.Second)), wait)
	})
}

// EndAttempts deletes the attempts of an account after a successful one.
func (s *Store) EndAttempts(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, "DELETE FROM sign_in_attempts WHERE account_hash = ?", digest(id))
		return err
	})
}

// AddRefreshToken stores a new refresh token of an account, and returns it with its expiry.
func (s *Store) AddRefreshToken(ctx context.Context, id string, now time.Time) (token string, expiry time.Time, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := t.Exec(ctx, "DELETE FROM refresh_tokens WHERE expire_time < ?", now.UnixMicro()); err != nil {
			return err
		}
		token, expiry, err = addRefreshToken(ctx, t, id, rand.Text(), now)
		return err
	})
	return token, expiry, err
}

func addRefreshToken(ctx context.Context, t *database.Tx, id, family string, now time.Time) (token string, expiry time.Time, err error) {
	token, expiry = rand.Text()+rand.Text(), now.Add(refreshLife)
	_, err = t.Exec(ctx, "INSERT INTO refresh_tokens (hash, account, family, expire_time, used) VALUES (?, ?, ?, ?, 0)", digest(token), id, family, expiry.UnixMicro())
	return token, expiry, err
}

// Refresh uses up a refresh token, and returns its account and the next one of its family. A token that
// was used before revokes its family: one of its two users has stolen it. It returns
// fault.ErrUnauthenticated for that one and for any token that is not valid.
func (s *Store) Refresh(ctx context.Context, token string, now time.Time) (a Account, next string, expiry time.Time, err error) {
	var refused error
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		refused = nil
		n, err := t.Exec(ctx, "UPDATE refresh_tokens SET used = used + 1 WHERE hash = ? AND expire_time >= ?", digest(token), now.UnixMicro())
		if err != nil {
			return err
		}
		if n == 0 {
			return errRefreshToken
		}
		type row struct {
			account, family string
			used            int
		}
		found, err := database.Select(ctx, t, func(rows *sql.Rows, r *row) error { return rows.Scan(&r.account, &r.family, &r.used) },
			"SELECT account, family, used FROM refresh_tokens WHERE hash = ?", digest(token))
		if err != nil {
			return err
		}
		if found[0].used > 1 {
			refused = errRefreshToken // the revocation is committed
			_, err := t.Exec(ctx, "DELETE FROM refresh_tokens WHERE family = ?", found[0].family)
			return err
		}
		if a, err = account(ctx, t, found[0].account); err != nil {
			return err
		}
		next, expiry, err = addRefreshToken(ctx, t, a.ID, found[0].family, now)
		return err
	})
	if err == nil {
		err = refused
	}
	return a, next, expiry, err
}

var errRefreshToken = fault.WithReason(fault.Unauthenticatedf("the refresh token is not valid: sign in again"), "REFRESH_TOKEN_NOT_VALID")

// RevokeRefreshTokens revokes all refresh tokens of an account.
func (s *Store) RevokeRefreshTokens(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, "DELETE FROM refresh_tokens WHERE account = ?", id)
		return err
	})
}

// AddReset stores a new code that resets the password of an account, in place of an earlier one, and
// publishes it for the mail. It does nothing for an account that does not exist, is not approved, or
// has no mail address.
func (s *Store) AddReset(ctx context.Context, id string, now time.Time) error {
	code := rand.Text()
	err := s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err := t.Exec(ctx, `INSERT INTO password_resets (account, hash, expire_time)
			SELECT id, CAST(? AS `+bytesType(t)+`), CAST(? AS BIGINT) FROM accounts WHERE id = ? AND approved = 1 AND email <> ''
			ON CONFLICT (account) DO UPDATE SET hash = excluded.hash, expire_time = excluded.expire_time`,
			digest(code), now.Add(resetLife).UnixMicro(), id)
		if err != nil || n == 0 {
			return err
		}
		return event.Add(ctx, s.outbox, t, resetEvent(id, code))
	})
	s.outbox.Wake()
	return err
}

func bytesType(t *database.Tx) string {
	if t.Postgres() {
		return "BYTEA"
	}
	return "BLOB"
}

// Reset uses up a code, and replaces the hash of the password. It returns fault.ErrUnauthenticated for
// a code that is wrong, used or expired.
func (s *Store) Reset(ctx context.Context, id, code, hash string, now time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err := t.Exec(ctx, "DELETE FROM password_resets WHERE account = ? AND hash = ? AND expire_time >= ?", id, digest(code), now.UnixMicro())
		if err == nil && n == 0 {
			err = fault.WithReason(fault.Unauthenticatedf("the code is wrong, used or expired: request another one"), "RESET_CODE_NOT_VALID")
		}
		if err != nil {
			return err
		}
		return setPassword(ctx, t, id, hash)
	})
}
