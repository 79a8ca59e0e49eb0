namespace Orders.Messaging.Failures;

/// <summary>An exception that was foreseen: its message is one line without an address, and it knows how it is sorted.</summary>
public interface IForeseenFailure
{
    /// <summary>What may be done about the message that failed so.</summary>
    FailureKind Kind { get; }
}
