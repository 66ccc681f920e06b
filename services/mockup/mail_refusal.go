package mockup

import (
	"strconv"

	"github.com/emersion/go-smtp"
)

// mailRefusals are responses of relays, by the codes of RFC 5321, with those of RFC
// 3463.
var mailRefusals = map[int]smtp.SMTPError{
	421: {EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Service not available, closing transmission channel"},
	450: {EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "Recipient address rejected: Greylisted"},
	451: {EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Requested action aborted: local error in processing"},
	452: {EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "The recipient's mailbox is over quota"},
	454: {EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Throttling failure: Maximum sending rate exceeded"},
	530: {EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"},
	550: {EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "The mail address does not exist"},
	551: {EnhancedCode: smtp.EnhancedCode{5, 1, 6}, Message: "User not local"},
	552: {EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "The recipient's mailbox is full"},
	553: {EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "Mailbox name not allowed"},
	554: {EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Message rejected as spam"},
}

// mailRefusal returns the response with the code in word, or nil.
func mailRefusal(word string) *smtp.SMTPError {
	code, _ := strconv.Atoi(word) // 0 is no code
	refusal, known := mailRefusals[code]
	if !known {
		return nil
	}
	refusal.Code = code
	return &refusal
}
