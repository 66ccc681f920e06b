// Package inbox is the inbox service: it stores the deliveries of the messenger inbox, and
// shows each user the own ones.
package inbox
