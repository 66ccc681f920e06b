package main

import "time"

// now returns the time of the system clock.
func now() time.Time { return time.Now() }
