package messenger

import "github.com/bongsu-project/bongsu/kit/ratelimit"

// Limits are the rate limits of a messenger.
type Limits struct {
	Credential  ratelimit.Rate // of all calls under one credential
	Destination ratelimit.Rate // of the calls to one destination under one credential
}
