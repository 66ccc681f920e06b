package kittest_test

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/bongsu-project/bongsu/kit/kittest"
)

// ErrorOf drops the value of a call of which only the error is tested.
func ExampleErrorOf() {
	err := kittest.ErrorOf(strconv.Atoi("ten"))
	fmt.Println(errors.Is(err, strconv.ErrSyntax))
	// Output: true
}

// Concurrently starts all calls at once, so that they compete.
func ExampleConcurrently() {
	names := make(chan string, 1)
	taken := 0
	for _, err := range kittest.Concurrently(5, func(i int) error {
		select {
		case names <- strconv.Itoa(i):
			return nil
		default:
			return errors.New("taken")
		}
	}) {
		if err != nil {
			taken++
		}
	}
	fmt.Println(taken)
	// Output: 4
}
