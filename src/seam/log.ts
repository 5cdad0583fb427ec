// The log: the streams of messages.

/**
 * What has become of a message that was to be appended: its position; 0 where it is kept until it is due, or another
 * condition was not met; or how its data compare with those of the message that has its id already.
 */
export type Appended = number | 'same' | 'other'
