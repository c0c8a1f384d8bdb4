/// Which traveler this is.
public enum Release {
    /// The version, as daemon and command line name it.
    public static let version = "0.1.0"
}
