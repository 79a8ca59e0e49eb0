namespace Orders.Ledger;

/// <summary>The store of the ledger did not do what it was asked; the message says why in one short line.</summary>
/// <param name="message">Why.</param>
/// <param name="mayHaveHappened">Whether it may have done it all the same: it was asked, and only its answer is missing.</param>
public sealed class LedgerUnreachableException(string message, bool mayHaveHappened) : Exception(message)
{
    /// <summary>Whether it may have done it all the same: it was asked, and only its answer is missing.</summary>
    public bool MayHaveHappened { get; } = mayHaveHappened;
}
