package messenger

import (
	"errors"
	"regexp"
)

// phone is a number as E.164 writes it: at most 15 digits, the first of them not 0.
var phone = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

// checkPhone accepts a telephone number.
func checkPhone(value string) error {
	if !phone.MatchString(value) {
		return errors.New("must be a telephone number with its country, in digits only, such as +821012345678")
	}
	return nil
}

// phoneSetting is a destination that is told by SMS.
var phoneSetting = Setting{
	Label: "Telephone number",
	Hint:  "with its country, such as +821012345678",
	Check: checkPhone,
}

// smsLimit is how long a message may be that goes out as SMS: 1600 characters, with
// Twilio (https://www.twilio.com/docs/messaging/api/message-resource, body) and with
// Amazon SNS (https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html).
// That both count in UTF-16 units, as SMS does, is unverified; it is the count that
// never says too little.
const smsLimit = 1600

// sms is the message as it goes out by SMS.
func (m Message) sms() (text string, cut bool) { return fit(m.Full(), smsLimit, unitsOf) }
