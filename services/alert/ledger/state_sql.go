package ledger

import (
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
)

// Statements contain states, ranks and kinds of outcomes as literals, not as parameters: only
// from a literal do the databases recognize that the condition of a partial index holds. The
// literals are constants of one digit, made from the numbers that are stored, so that each
// state is written once.

// The stored states of deliveries. A held delivery is stored as queued.
const (
	sqlQueued   = string(rune('0' + alert.Queued))
	sqlClaimed  = string(rune('0' + alert.Claimed))
	sqlSent     = string(rune('0' + alert.Sent))
	sqlFailed   = string(rune('0' + alert.Failed))
	sqlExpired  = string(rune('0' + alert.Expired))
	sqlCanceled = string(rune('0' + alert.Canceled))
)

// Conditions that repeat those of the partial indexes of the table deliveries, by which rows are
// found.
const (
	isQueued  = `state = ` + sqlQueued
	isClaimed = `state = ` + sqlClaimed
	isOpen    = `state <= ` + sqlClaimed // queued or claimed: uncompleted
	isUnsent  = `state >= ` + sqlFailed  // failed, expired or canceled
)

// Conditions for rows that are found by another index: state + 0 keeps the databases from the
// indexes by state.
const (
	rowQueued      = `state + 0 = ` + sqlQueued
	rowClaimed     = `state + 0 = ` + sqlClaimed
	rowOpen        = `state + 0 <= ` + sqlClaimed
	rowCanceled    = `state + 0 = ` + sqlCanceled
	rowCompleted   = `state + 0 BETWEEN ` + sqlSent + ` AND ` + sqlCanceled
	rowUncompleted = `state + 0 NOT BETWEEN ` + sqlSent + ` AND ` + sqlCanceled
)

// The ranks of deliveries.
const (
	sqlCritical = string(rune('0' + job.Critical))
	sqlHigh     = string(rune('0' + job.High))
	sqlNormal   = string(rune('0' + job.Normal))
	sqlLow      = string(rune('0' + job.Low))
)

// The kinds of the outcomes of attempts after which a message may have been received, and the
// scope of a sent one.
const (
	sqlSentOutcome    = string(rune('0' + messenger.Sent))
	sqlUnknownOutcome = string(rune('0' + messenger.Unknown))
	sqlNoScope        = string(rune('0' + messenger.NoScope))
)

// The rows of the table sequences.
const (
	idSequence    = `ids`
	timeSequence  = `time`
	touchSequence = `touch`
)
