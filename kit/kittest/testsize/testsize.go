// Package testsize scales tests: fewer rows, callers or steps in the usual run, the
// full number if BONGSU_TEST_FULL is set, as by make test FULL=1.
package testsize

import "os"

// Variable is the environment variable that requests full numbers.
const Variable = "BONGSU_TEST_FULL"

// Full reports whether tests run with full numbers.
func Full() bool { return os.Getenv(Variable) != "" }

// Pick returns full if tests run with full numbers, otherwise usual.
func Pick(usual, full int) int {
	if Full() {
		return full
	}
	return usual
}
