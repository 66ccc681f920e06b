package logtest_test

import (
	"fmt"
	"log/slog"

	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

func ExampleBuffer() {
	var logged logtest.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	log.Warn("upstream unavailable", "upstream", "books")
	fmt.Println(logged.Count("upstream unavailable"), logged.Count("upstream=loans"))
	// Output: 1 0
}
