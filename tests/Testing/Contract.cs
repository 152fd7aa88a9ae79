using System.Reflection;
using VmSim.Core.Settings;
using Xunit.Sdk;

namespace VmSim.Testing;

/// <summary>
/// Tests that hold for everything of a kind. A test class derives from a contract and says what is tested; each test then runs for each of
/// these by name. The class has a constructor without parameters.
/// </summary>
/// <typeparam name="T">What is tested.</typeparam>
public abstract class Contract<T> : IContract
    where T : class, INamed
{
    /// <summary>What is tested. No two have one name.</summary>
    protected abstract IEnumerable<T> Subjects { get; }

    IEnumerable<string> IContract.Names => Subjects.Select(subject => subject.Name);

    /// <summary>The one of a name.</summary>
    /// <param name="name">A name that <see cref="SubjectsAttribute"/> gave to a test.</param>
    protected T Subject(string name) => Subjects.Single(subject => subject.Name == name);
}

/// <summary>Gives a theory of a <see cref="Contract{T}"/> the name of each thing that the class which derives from it tests.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SubjectsAttribute : DataAttribute
{
    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The class is no contract, or tests nothing.</exception>
    public override IEnumerable<object[]> GetData(MethodInfo testMethod)
    {
        ArgumentNullException.ThrowIfNull(testMethod);

        // The class that derives, where a test is inherited: the declaring one is abstract.
        Type test = testMethod.ReflectedType!;
        object[][] names = Activator.CreateInstance(test) is IContract contract
            ? [.. contract.Names.Select(name => new object[] { name })]
            : [];
        return names.Length > 0 ? names : throw new InvalidOperationException($"{test} names nothing to test");
    }
}

/// <summary>A contract of whatever kind.</summary>
internal interface IContract
{
    /// <summary>Names of what is tested.</summary>
    IEnumerable<string> Names { get; }
}
