namespace Orders.Email;

/// <summary>
/// An email was not sent, which is no failure: it has waited for the mail server, or for its turn, as long as it may, or is to
/// make room for others that have not been tried yet. Its message is to come back later, as it is.
/// </summary>
/// <param name="makesRoom">Whether others must be able to take its place meanwhile.</param>
public sealed class EmailDeferredException(bool makesRoom = false) : Exception("The email waits for the mail server.")
{
    /// <summary>Whether others must be able to take its place meanwhile.</summary>
    public bool MakesRoom => makesRoom;
}
