package database

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// wantURL says what a database may be called by.
const wantURL = "must be postgres://USER:PASSWORD@HOST/NAME, or host=… dbname=… as libpq has it, or a file's path, or sqlite:PATH" //nolint:gosec // it is a form, and holds no password

var (
	// scheme is what a URL begins with. One letter is a drive of Windows.
	scheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):`)
	// keyword is what a connection string of libpq begins with.
	keyword = regexp.MustCompile(`^([A-Za-z_]+)\s*=`)
)

// keywords are those of libpq that a connection string may begin with
// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
var keywords = []string{
	"application_name", "client_encoding", "connect_timeout", "dbname", "default_query_exec_mode", "host", "hostaddr",
	"options", "passfile", "password", "port", "service", "servicefile", "sslcert", "sslkey", "sslmode", "sslpassword",
	"sslrootcert", "target_session_attrs", "user",
}

// CheckURL accepts what Open opens, without opening it. Its error quotes nothing of the
// url, which may hold a password.
func CheckURL(url string) error {
	switch {
	case strings.TrimSpace(url) != url:
		return errors.New(wantURL + ", without white space around it")
	case strings.ContainsFunc(url, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New(wantURL + ", without control characters")
	case isPostgres(url):
		if _, err := pgx.ParseConfig(url); err != nil { // err may quote the password
			return errors.New("names a PostgreSQL database in a form that is not understood: " + wantURL +
				"; special characters of user and password are escaped, such as / by %2F")
		}
		return nil
	case keyword.MatchString(url):
		return errors.New(wantURL + "; for a file whose name has a = write ./ before it")
	}
	path, prefixed := strings.CutPrefix(url, "sqlite:")
	switch {
	case path == "" || strings.HasPrefix(path, ":memory:"):
		return errors.New(wantURL + ": a database in memory would be lost")
	case strings.HasPrefix(path, "//"):
		return errors.New(wantURL + ": sqlite: is followed by the path alone, such as sqlite:/var/lib/bongsu/ledger.db")
	case !prefixed && scheme.MatchString(path), strings.Contains(path, "://"):
		return errors.New(wantURL + "; nothing else is supported, and for a file whose name has a : write ./ before it")
	}
	return nil
}

// isPostgres reports whether url names a PostgreSQL database, as a URL or as a
// connection string of libpq.
func isPostgres(url string) bool {
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return true
	}
	found := keyword.FindStringSubmatch(url)
	return len(found) > 1 && slices.Contains(keywords, strings.ToLower(found[1]))
}
