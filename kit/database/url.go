package database

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// urlFormats describes the accepted forms of a database URL.
const urlFormats = "must be postgres://USER:PASSWORD@HOST/NAME, a libpq connection string such as host=… dbname=…, a file path, or sqlite:PATH" //nolint:gosec // a pattern without a password

var (
	// scheme matches the scheme of a URL. A single letter is a Windows drive.
	scheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):`)
	// keyword matches the first keyword of a libpq connection string.
	keyword = regexp.MustCompile(`^([A-Za-z_]+)\s*=`)
)

// libpqKeywords are the libpq keywords that a connection string may begin with
// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
var libpqKeywords = []string{
	"application_name", "client_encoding", "connect_timeout", "dbname", "default_query_exec_mode", "host", "hostaddr",
	"options", "passfile", "password", "port", "service", "servicefile", "sslcert", "sslkey", "sslmode", "sslpassword",
	"sslrootcert", "target_session_attrs", "user",
}

// CheckURL returns an error unless url has a form that Open accepts; it opens nothing. The error
// quotes nothing of url, which may contain a password.
func CheckURL(url string) error {
	switch {
	case strings.TrimSpace(url) != url:
		return errors.New(urlFormats + ", without white space around it")
	case strings.ContainsFunc(url, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New(urlFormats + ", without control characters")
	case IsPostgres(url):
		if _, err := pgx.ParseConfig(url); err != nil { // err may quote the password
			return errors.New("is not a valid PostgreSQL URL or connection string: " + urlFormats +
				"; escape special characters in user and password, such as / by %2F")
		}
		return nil
	case keyword.MatchString(url):
		return errors.New(urlFormats + "; write ./ before a file name that contains =")
	}
	path, prefixed := strings.CutPrefix(url, "sqlite:")
	switch {
	case path == "" || strings.HasPrefix(path, ":memory:"):
		return errors.New(urlFormats + ": in-memory databases are not supported, their data would be lost")
	case strings.HasPrefix(path, "//"):
		return errors.New(urlFormats + ": sqlite: must be followed by the path alone, such as sqlite:/var/lib/library.db")
	case !prefixed && scheme.MatchString(path), strings.Contains(path, "://"):
		return errors.New(urlFormats + "; other schemes are not supported, and a file name that contains a colon needs ./ before it")
	}
	return nil
}

// IsPostgres reports whether url is a PostgreSQL URL or a libpq connection string.
func IsPostgres(url string) bool {
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return true
	}
	found := keyword.FindStringSubmatch(url)
	return len(found) > 1 && slices.Contains(libpqKeywords, strings.ToLower(found[1]))
}
