// Package testsize scales tests: fewer rows, callers or steps in the usual run, the full
// number where BONGSU_TEST_FULL is set, as make test FULL=1 does.
package testsize

import "os"

// Variable names the environment variable that asks for full numbers.
const Variable = "BONGSU_TEST_FULL"

// Full reports whether tests run with full numbers.
func Full() bool { return os.Getenv(Variable) != "" }

// Pick returns full where tests run with full numbers, else usual.
func Pick(usual, full int) int {
	if Full() {
		return full
	}
	return usual
}
