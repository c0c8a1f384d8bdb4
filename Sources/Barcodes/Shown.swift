extension String {
    /// This text in a message about it: what somebody sent may be as long as a megabyte.
    package var shown: String {
        guard let end = unicodeScalars.index(startIndex, offsetBy: 100, limitedBy: endIndex), end < endIndex else {
            return self
        }
        return String(self[..<end]) + "..."
    }
}
