namespace VmSim.Host.Service;

/// <summary>The jobs that wait by the word of the store.</summary>
internal interface IWaitingJobs
{
    /// <summary>The next jobs of an owner, in the order of submission.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="priority">Of which priority.</param>
    /// <param name="after">Those with a greater number.</param>
    /// <param name="count">How many at most.</param>
    /// <returns>Their numbers, rising.</returns>
    /// <exception cref="IOException">The store cannot be read.</exception>
    IReadOnlyList<long> Waiting(string owner, int priority, long after, int count);
}
