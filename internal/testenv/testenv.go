// Package testenv holds the environment variables of the tests of Bongsu, and scales tests
// by them: fewer rows, callers or steps in the usual run, the full number if
// BONGSU_TEST_FULL is set, as by make test FULL=1.
package testenv

import "os"

const (
	// FullVariable requests full numbers.
	FullVariable = "BONGSU_TEST_FULL"
	// Postgres may hold the URL of a PostgreSQL server whose user may create databases.
	Postgres = "BONGSU_TEST_POSTGRES"
	// Browser may be "required": a test with pages in Chromium fails where it is missing, in
	// place of a test without them.
	Browser = "BONGSU_TEST_BROWSER"
)

// Full reports whether tests run with full numbers.
func Full() bool { return os.Getenv(FullVariable) != "" }

// Pick returns full if tests run with full numbers, otherwise usual.
func Pick(usual, full int) int {
	if Full() {
		return full
	}
	return usual
}
