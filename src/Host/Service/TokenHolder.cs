namespace VmSim.Host.Service;

/// <summary>Who holds a token.</summary>
/// <param name="Name">What he is called; jobs are his by it.</param>
/// <param name="Role">What he may do.</param>
internal sealed record TokenHolder(string Name, Role Role);
