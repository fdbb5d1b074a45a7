"""What a vendor is: profiles, policies, signatures, contracts. A vendor's package imports from here."""
