"""What a vendor is: profile, policy, signature, contract."""
