package incident

import "errors"

// ErrLeaseLost is the error of a process whose lease another one has taken.
var ErrLeaseLost = errors.New("the lease of the changes was lost")
