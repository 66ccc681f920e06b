package rpc

import "net/http"

// requestStackBytes is about the stack that a handled request takes, with the validation
// of its fields, the deepest part.
const requestStackBytes = 8 << 10

// withGrownStack grows the stack of a request's goroutine before the request is handled. The
// runtime copies a stack when it grows, which takes 0.4 us for each frame on it (measured for
// gRPC, whose requests each begin on a new goroutine): 22 us deep in a handler, next to
// nothing here.
func withGrownStack(next http.Handler) http.Handler { return grownStack{next} }

type grownStack struct{ next http.Handler }

// ServeHTTP serves a request.
func (h grownStack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	growStack(0)
	h.next.ServeHTTP(w, r)
}

// growStack has a large frame, and does nothing else.
//
//go:noinline
func growStack(i int) byte {
	var frame [requestStackBytes]byte
	return frame[i]
}
